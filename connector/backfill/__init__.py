"""One-time loads of a closed range: planned, run beside the live service, resumed where it stopped."""
