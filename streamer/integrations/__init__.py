"""What streamer tells other programs: MQTT with Home Assistant's discovery, and webhooks."""
