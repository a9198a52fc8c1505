"""An ERP whose SOAP is rpc/encoded and sloppy, after what a widespread open-source ERP was seen to do."""
