"""Our HTTP client, from header fields, cookies and redirects (``client``) down to one TCP connection (``wire``)."""
