"""One file per view. A view is offered to the viewer through the entry point group `rrbridge.views`."""
