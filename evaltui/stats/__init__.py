"""Statistics: floats in, floats out; no domain, no I/O."""
