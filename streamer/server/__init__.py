"""What viewers reach: the HTTP API, the websocket, and the bridge from the analysing threads to them."""
