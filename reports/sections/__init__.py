"""One module per report section, listed in SECTIONS."""
