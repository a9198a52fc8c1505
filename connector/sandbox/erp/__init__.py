"""Two ERPs with a SOAP service on loopback: a strict document/literal one and a sloppy rpc/encoded one."""
