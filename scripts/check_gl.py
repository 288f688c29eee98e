"""Open a window off screen and say what draws it; exit with 1 and the reason where that does not work."""

from __future__ import annotations

import sys


def main() -> str:
    """Who renders."""
    import pyglet

    pyglet.options.headless = True
    pyglet.options.debug_gl = False
    pyglet.options.shadow_window = False
    import imgui_bundle  # noqa: F401 - its extension module needs system libraries too
    import moderngl
    from pyglet import gl
    from pyglet.window import Window

    config = gl.Config(
        red_size=8, green_size=8, blue_size=8, alpha_size=8, depth_size=24, major_version=3, minor_version=3
    )
    window = Window(64, 64, config=config)
    renderer = moderngl.create_context().info["GL_RENDERER"]
    window.close()
    return str(renderer)


if __name__ == "__main__":
    try:
        print(main())
    except Exception as err:  # noqa: BLE001 - any reason is an answer here
        print(f"{type(err).__name__}: {err}")
        sys.exit(1)
