"""The MQTT bridge: requests of devices in, answers of the data-processor out."""
