"""Live sources: what hears a running robot. One file per middleware, all behind `rrbridge_bridge.live.source`."""
