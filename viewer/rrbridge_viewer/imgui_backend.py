"""Dear ImGui on a pyglet window: events in, draw lists out through moderngl.

imgui-bundle's own pyglet backend measures frame times wrongly, needs PyOpenGL and an environment variable for headless EGL,
loses the pointer's position on a press and never tells pyglet that an event was used; hence this one.
"""

from __future__ import annotations

import ctypes
import time
from typing import Any

import moderngl
import numpy as np
import pyglet
from imgui_bundle import imgui
from pyglet.window import key, mouse

__all__ = ["ImguiBackend"]

_VERTEX_SHADER = """#version 330
uniform vec2 scale;
uniform vec2 origin;
in vec2 position;
in vec2 texcoord;
in vec4 color;
out vec2 v_texcoord;
out vec4 v_color;
void main() {
    v_texcoord = texcoord;
    v_color = color;
    vec2 p = (position - origin) * scale;
    gl_Position = vec4(p.x - 1.0, 1.0 - p.y, 0.0, 1.0);
}
"""
_FRAGMENT_SHADER = """#version 330
uniform sampler2D atlas;
in vec2 v_texcoord;
in vec4 v_color;
out vec4 pixel;
void main() {
    pixel = v_color * texture(atlas, v_texcoord);
}
"""
_BUTTONS = {mouse.LEFT: 0, mouse.RIGHT: 1, mouse.MIDDLE: 2}
_NAMED_KEYS = {
    "TAB": "tab",
    "BACKSPACE": "backspace",
    "RETURN": "enter",
    "ESCAPE": "escape",
    "INSERT": "insert",
    "DELETE": "delete",
    "SPACE": "space",
    "LEFT": "left_arrow",
    "RIGHT": "right_arrow",
    "UP": "up_arrow",
    "DOWN": "down_arrow",
    "PAGEUP": "page_up",
    "PAGEDOWN": "page_down",
    "HOME": "home",
    "END": "end",
    "NUM_ENTER": "keypad_enter",
    "MINUS": "minus",
    "EQUAL": "equal",
    "COMMA": "comma",
    "PERIOD": "period",
    "SLASH": "slash",
    "BRACKETLEFT": "left_bracket",
    "BRACKETRIGHT": "right_bracket",
    "LCTRL": "left_ctrl",
    "RCTRL": "right_ctrl",
    "LSHIFT": "left_shift",
    "RSHIFT": "right_shift",
    "LALT": "left_alt",
    "RALT": "right_alt",
    "LCOMMAND": "left_super",
    "RCOMMAND": "right_super",
}


def _key_map() -> dict[int, imgui.Key]:
    names = dict(_NAMED_KEYS)
    names |= {letter: letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    names |= {f"_{digit}": f"_{digit}" for digit in range(10)}
    names |= {f"NUM_{digit}": f"keypad{digit}" for digit in range(10)}
    names |= {f"F{number}": f"f{number}" for number in range(1, 13)}
    return {getattr(key, theirs): getattr(imgui.Key, ours) for theirs, ours in names.items()}


class ImguiBackend:
    """Feeds the current imgui context from a window, and draws it."""

    def __init__(self, window: Any, gl: moderngl.Context, *, frame_secs: float | None = None) -> None:
        """`frame_secs` fixes the length of a frame, so that pictures do not depend on the machine's speed."""
        self._window = window
        self._gl = gl
        self._frame_secs = frame_secs
        self._io = imgui.get_io()
        self._io.backend_flags |= imgui.BackendFlags_.has_mouse_cursors | imgui.BackendFlags_.renderer_has_textures
        self._io.set_ini_filename("")
        self._keys = _key_map()
        self._last_frame = time.perf_counter()
        self._textures: dict[int, moderngl.Texture] = {}
        self._program = gl.program(vertex_shader=_VERTEX_SHADER, fragment_shader=_FRAGMENT_SHADER)
        self._vertices = gl.buffer(reserve=1 << 20, dynamic=True)
        self._indices = gl.buffer(reserve=1 << 19, dynamic=True)
        self._vertex_array = self._bind()
        platform = imgui.get_platform_io()
        largest = int(gl.info["GL_MAX_TEXTURE_SIZE"])
        platform.renderer_texture_max_width = largest
        platform.renderer_texture_max_height = largest
        self._clipboard = ""
        platform.platform_get_clipboard_text_fn = self._get_clipboard
        platform.platform_set_clipboard_text_fn = self._set_clipboard
        self.touched = True
        """Whether an event has come since this was last set to False."""
        window.push_handlers(self)

    def _bind(self) -> moderngl.VertexArray:
        layout = [(self._vertices, "2f 2f 4f1", "position", "texcoord", "color")]
        return self._gl.vertex_array(self._program, layout, self._indices, index_element_size=imgui.INDEX_SIZE)

    def _get_clipboard(self, _context: Any) -> str:
        return self._clipboard if pyglet.options.headless else str(self._window.get_clipboard_text())

    def _set_clipboard(self, _context: Any, text: str) -> None:
        self._clipboard = text
        if not pyglet.options.headless:
            self._window.set_clipboard_text(text)

    # pyglet hands events to the methods named on_…; True means that no one else gets the event.

    def _pointer(self, x: float, y: float) -> None:
        self.touched = True
        self._io.add_mouse_pos_event(x, self._window.height - y)

    def _modifiers(self, modifiers: int) -> None:
        self.touched = True
        self._io.add_key_event(imgui.Key.mod_ctrl, bool(modifiers & key.MOD_CTRL))
        self._io.add_key_event(imgui.Key.mod_shift, bool(modifiers & key.MOD_SHIFT))
        self._io.add_key_event(imgui.Key.mod_alt, bool(modifiers & key.MOD_ALT))
        self._io.add_key_event(imgui.Key.mod_super, bool(modifiers & key.MOD_COMMAND))

    def on_mouse_motion(self, x: float, y: float, _dx: float, _dy: float) -> None:
        """The pointer moved."""
        self._pointer(x, y)

    def on_mouse_drag(self, x: float, y: float, _dx: float, _dy: float, _buttons: int, _modifiers: int) -> None:
        """The pointer moved with a button down."""
        self._pointer(x, y)

    def on_mouse_leave(self, _x: float, _y: float) -> None:
        """The pointer left the window."""
        self.touched = True
        self._io.add_mouse_pos_event(-1e30, -1e30)

    def on_mouse_press(self, x: float, y: float, button: int, modifiers: int) -> bool | None:
        """A button went down."""
        self._modifiers(modifiers)
        self._pointer(x, y)
        if button in _BUTTONS:
            self._io.add_mouse_button_event(_BUTTONS[button], True)
        return True if self._io.want_capture_mouse else None

    def on_mouse_release(self, x: float, y: float, button: int, modifiers: int) -> None:
        """A button came up."""
        self._modifiers(modifiers)
        self._pointer(x, y)
        if button in _BUTTONS:
            self._io.add_mouse_button_event(_BUTTONS[button], False)

    def on_mouse_scroll(self, x: float, y: float, scroll_x: float, scroll_y: float) -> bool | None:
        """The wheel turned."""
        self._pointer(x, y)
        self._io.add_mouse_wheel_event(scroll_x, scroll_y)
        return True if self._io.want_capture_mouse else None

    def on_key_press(self, symbol: int, modifiers: int) -> bool | None:
        """A key went down. Escape is kept from pyglet, which would close the window."""
        self._modifiers(modifiers)
        if symbol in self._keys:
            self._io.add_key_event(self._keys[symbol], True)
        return True if symbol == key.ESCAPE or self._io.want_text_input else None

    def on_key_release(self, symbol: int, modifiers: int) -> None:
        """A key came up."""
        self._modifiers(modifiers)
        if symbol in self._keys:
            self._io.add_key_event(self._keys[symbol], False)

    def on_text(self, text: str) -> None:
        """Characters were typed."""
        self.touched = True
        for char in text:
            if char.isprintable():
                self._io.add_input_character(ord(char))

    def on_activate(self) -> None:
        """The window has the keyboard."""
        self.touched = True
        self._io.add_focus_event(True)

    def on_deactivate(self) -> None:
        """The window lost the keyboard."""
        self.touched = True
        self._io.add_focus_event(False)

    def on_resize(self, _width: int, _height: int) -> None:
        """The window has another size."""
        self.touched = True

    def on_expose(self) -> None:
        """The window was uncovered."""
        self.touched = True

    def new_frame(self) -> None:
        """Begin a frame of the window's present size."""
        width, height = self._window.get_size()
        pixels_wide, pixels_high = self._window.get_framebuffer_size()
        self._io.display_size = imgui.ImVec2(width, height)
        self._io.display_framebuffer_scale = imgui.ImVec2(pixels_wide / max(width, 1), pixels_high / max(height, 1))
        now = time.perf_counter()
        self._io.delta_time = self._frame_secs or min(max(now - self._last_frame, 1e-5), 0.25)
        self._last_frame = now
        imgui.new_frame()

    def render(self, target: moderngl.Framebuffer) -> None:
        """Draw the frame that `imgui.render()` has finished."""
        for texture in imgui.get_platform_io().textures:
            if texture.status != imgui.ImTextureStatus.ok:
                self._update_texture(texture)
        draw = imgui.get_draw_data()
        scale_x, scale_y = draw.framebuffer_scale
        width, height = int(draw.display_size.x * scale_x), int(draw.display_size.y * scale_y)
        if width <= 0 or height <= 0 or draw.total_vtx_count == 0:
            return
        first_indices = self._upload(draw)
        gl = self._gl
        target.use()
        target.viewport = (0, 0, width, height)
        gl.enable_only(moderngl.BLEND)
        over = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)
        gl.blend_equation = moderngl.FUNC_ADD  # type: ignore[assignment] # moderngl's hints know only the pair
        gl.blend_func = over  # type: ignore[assignment]
        self._program["scale"] = (2 / draw.display_size.x, 2 / draw.display_size.y)
        self._program["origin"] = (draw.display_pos.x, draw.display_pos.y)
        for commands, first in zip(draw.cmd_lists, first_indices, strict=True):
            for command in commands.cmd_buffer:
                left, top, right, bottom = command.clip_rect
                left, top = max(left * scale_x, 0), max(top * scale_y, 0)
                right, bottom = min(right * scale_x, width), min(bottom * scale_y, height)
                if right <= left or bottom <= top or not command.elem_count:
                    continue
                target.scissor = (int(left), int(height - bottom), int(right - left), int(bottom - top))
                pyglet.gl.glActiveTexture(pyglet.gl.GL_TEXTURE0)
                pyglet.gl.glBindTexture(pyglet.gl.GL_TEXTURE_2D, command.tex_ref.get_tex_id())
                self._vertex_array.render(
                    moderngl.TRIANGLES, vertices=command.elem_count, first=first + command.idx_offset
                )
        target.scissor = None  # type: ignore[assignment]

    def _upload(self, draw: imgui.ImDrawData) -> list[int]:
        """Send all lists at once, their indices moved so that one vertex array serves all; returns each list's first."""
        vertex_bytes, index_bytes = draw.total_vtx_count * imgui.VERTEX_SIZE, draw.total_idx_count * imgui.INDEX_SIZE
        if vertex_bytes > self._vertices.size or index_bytes > self._indices.size:
            self._vertices.orphan(max(self._vertices.size, vertex_bytes * 3 // 2))
            self._indices.orphan(max(self._indices.size, index_bytes * 3 // 2))
        vertices: list[bytes] = []
        indices, firsts, vertex_count, index_count = [], [], 0, 0
        for commands in draw.cmd_lists:
            vertices.append(_bytes_of(commands.vtx_buffer, imgui.VERTEX_SIZE))
            indices.append(
                np.frombuffer(_bytes_of(commands.idx_buffer, imgui.INDEX_SIZE), np.uint32) + np.uint32(vertex_count)
            )
            firsts.append(index_count)
            vertex_count += commands.vtx_buffer.size()
            index_count += commands.idx_buffer.size()
        self._vertices.write(b"".join(vertices))
        if index_count:
            self._indices.write(np.concatenate(indices))
        return firsts

    def _update_texture(self, wanted: Any) -> None:
        """Make, refresh or free one of the textures that imgui keeps its glyphs in."""
        status = imgui.ImTextureStatus
        if wanted.status == status.want_create:
            pixels = np.ascontiguousarray(wanted.get_pixels_array())
            texture = self._gl.texture((wanted.width, wanted.height), 4, pixels.tobytes())
            texture.repeat_x = texture.repeat_y = False
            self._textures[texture.glo] = texture
            wanted.set_tex_id(texture.glo)
            wanted.set_status(status.ok)
        elif wanted.status == status.want_updates:
            pixels = wanted.get_pixels_array().reshape(wanted.height, wanted.width, 4)
            texture = self._textures[wanted.tex_id]
            for part in wanted.updates:
                block = np.ascontiguousarray(pixels[part.y : part.y + part.h, part.x : part.x + part.w])
                texture.write(block.tobytes(), viewport=(part.x, part.y, part.w, part.h))
            wanted.set_status(status.ok)
        elif wanted.status == status.want_destroy and wanted.unused_frames > 0:
            self._textures.pop(wanted.tex_id).release()
            wanted.set_tex_id(0)
            wanted.set_status(status.destroyed)


def _bytes_of(vector: Any, item_size: int) -> bytes:
    return ctypes.string_at(vector.data_address(), vector.size() * item_size) if vector.size() else b""
