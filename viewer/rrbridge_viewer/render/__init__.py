"""Pictures of scenes: what to draw (`primitives`), from where (`camera`), and the renderer that draws it with OpenGL 3.3."""
