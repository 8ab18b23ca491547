"""The MQTT road: topics, wire format, session, embedded broker, Mosquitto configuration."""
