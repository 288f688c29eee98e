"""How the viewer looks: near-black and flat. Fonts and icons come with imgui-bundle."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from types import SimpleNamespace

from imgui_bundle import icons_fontawesome_6 as fa
from imgui_bundle import imgui, implot

__all__ = ["ICONS", "Theme", "color", "color_u32"]

BACKGROUND = "0b0c0e"
PANEL = "101214"
RAISED = "181b1f"
FRAME = "1a1e23"
LINE = "24282d"
HOVERED = "23282f"
TEXT = "d6dbe0"
DIM = "7c858f"
FAINT = "4a525c"
ACCENT = "2f7df6"
WHITE = "ffffff"
LEVELS = {
    "CRITICAL": "ff3b6b",
    "FATAL": "ff3b6b",
    "ERROR": "e5484d",
    "WARN": "f0a04f",
    "INFO": "4cc38a",
    "DEBUG": "5aa2ff",
    "TRACE": "8b7fd6",
}
"""Colours of log levels; any other level is written in the text's colour."""
SERIES = ("4cc38a", "e5b454", "f07f4f", "5aa2ff", "c678dd", "38bdb8", "e5688a", "a3be5c", "8b9cff", "d98f5f")
"""Colours of plot lines that were logged without one."""

ICONS = SimpleNamespace(
    spatial3d=fa.ICON_FA_CUBE,
    spatial2d=fa.ICON_FA_IMAGE,
    time_series=fa.ICON_FA_CHART_LINE,
    text_log=fa.ICON_FA_LIST,
    text_document=fa.ICON_FA_FILE_LINES,
    view=fa.ICON_FA_SQUARE,
    recording=fa.ICON_FA_DATABASE,
    entity=fa.ICON_FA_DIAMOND,
    group=fa.ICON_FA_FOLDER_TREE,
    component=fa.ICON_FA_CIRCLE_DOT,
    eye=fa.ICON_FA_EYE,
    eye_off=fa.ICON_FA_EYE_SLASH,
    play=fa.ICON_FA_PLAY,
    pause=fa.ICON_FA_PAUSE,
    follow=fa.ICON_FA_FORWARD_FAST,
    previous=fa.ICON_FA_BACKWARD_STEP,
    next=fa.ICON_FA_FORWARD_STEP,
    loop=fa.ICON_FA_REPEAT,
    frames=fa.ICON_FA_LOCATION_CROSSHAIRS,
    maximize=fa.ICON_FA_EXPAND,
    restore=fa.ICON_FA_COMPRESS,
    home=fa.ICON_FA_HOUSE,
    open=fa.ICON_FA_CHEVRON_DOWN,
    closed=fa.ICON_FA_CHEVRON_RIGHT,
    warning=fa.ICON_FA_TRIANGLE_EXCLAMATION,
    clock=fa.ICON_FA_CLOCK,
    selection=fa.ICON_FA_ARROW_POINTER,
    tree=fa.ICON_FA_SITEMAP,
)


def color(hexadecimal: str, alpha: float = 1.0) -> imgui.ImVec4:
    """`"2f7df6"` as imgui's floats."""
    red, green, blue = bytes.fromhex(hexadecimal)
    return imgui.ImVec4(red / 255, green / 255, blue / 255, alpha)


def color_u32(hexadecimal: str, alpha: float = 1.0) -> int:
    """`"2f7df6"` as draw lists want it."""
    red, green, blue = bytes.fromhex(hexadecimal)
    return red | green << 8 | blue << 16 | round(alpha * 255) << 24


@dataclass(frozen=True, slots=True)
class Theme:
    """The fonts that everything is written in. Making one styles the current imgui and implot contexts."""

    text: imgui.ImFont
    bold: imgui.ImFont
    mono: imgui.ImFont

    @classmethod
    def install(cls) -> Theme:
        """Style the current contexts."""
        _style_imgui()
        _style_implot()
        return cls(
            _font("Roboto/Roboto-Regular.ttf", 15, icons=True),
            _font("Roboto/Roboto-Bold.ttf", 12.5),
            _font("Inconsolata-Medium.ttf", 15),
        )


def _font(name: str, size: float, *, icons: bool = False) -> imgui.ImFont:
    folder = files("imgui_bundle").joinpath("assets", "fonts")
    fonts = imgui.get_io().fonts
    font = fonts.add_font_from_file_ttf(str(folder.joinpath(*name.split("/"))), size)
    if icons:
        config = imgui.ImFontConfig()
        config.merge_mode = True
        config.glyph_min_advance_x = 16
        config.glyph_max_advance_x = 16
        fonts.add_font_from_file_ttf(str(folder.joinpath("Font_Awesome_6_Free-Solid-900.otf")), size - 3, config)
    return font


def _style_imgui() -> None:
    imgui.style_colors_dark()
    style = imgui.get_style()
    names = imgui.Col_
    for name, hexadecimal, alpha in (
        (names.text, TEXT, 1),
        (names.text_disabled, DIM, 1),
        (names.window_bg, PANEL, 1),
        (names.child_bg, PANEL, 0),
        (names.popup_bg, "16191d", 1),
        (names.border, LINE, 1),
        (names.frame_bg, FRAME, 1),
        (names.frame_bg_hovered, HOVERED, 1),
        (names.frame_bg_active, "2a3038", 1),
        (names.title_bg, PANEL, 1),
        (names.title_bg_active, PANEL, 1),
        (names.menu_bar_bg, BACKGROUND, 1),
        (names.scrollbar_bg, PANEL, 0),
        (names.scrollbar_grab, "343b43", 1),
        (names.scrollbar_grab_hovered, "444c56", 1),
        (names.check_mark, ACCENT, 1),
        (names.slider_grab, ACCENT, 1),
        (names.button, RAISED, 1),
        (names.button_hovered, HOVERED, 1),
        (names.button_active, ACCENT, 1),
        (names.header, ACCENT, 0.85),
        (names.header_hovered, HOVERED, 1),
        (names.header_active, ACCENT, 1),
        (names.separator, LINE, 1),
        (names.separator_hovered, ACCENT, 0.6),
        (names.separator_active, ACCENT, 1),
        (names.tab, PANEL, 1),
        (names.tab_hovered, HOVERED, 1),
        (names.tab_selected, RAISED, 1),
        (names.tab_selected_overline, ACCENT, 0),
        (names.tab_dimmed, PANEL, 1),
        (names.tab_dimmed_selected, RAISED, 1),
        (names.tab_dimmed_selected_overline, ACCENT, 0),
        (names.docking_preview, ACCENT, 0.5),
        (names.docking_empty_bg, BACKGROUND, 1),
        (names.table_header_bg, RAISED, 1),
        (names.table_border_strong, LINE, 1),
        (names.table_border_light, "1c2024", 1),
        (names.table_row_bg_alt, WHITE, 0.018),
        (names.nav_cursor, ACCENT, 1),
        (names.resize_grip, LINE, 0),
        (names.plot_histogram, ACCENT, 1),
    ):
        style.set_color_(name, color(hexadecimal, alpha))
    style.window_rounding = 0
    style.frame_rounding = 4
    style.popup_rounding = 6
    style.tab_rounding = 4
    style.grab_rounding = 4
    style.scrollbar_rounding = 6
    style.scrollbar_size = 10
    style.window_padding = imgui.ImVec2(10, 8)
    style.frame_padding = imgui.ImVec2(8, 4)
    style.item_spacing = imgui.ImVec2(8, 5)
    style.cell_padding = imgui.ImVec2(6, 3)
    style.indent_spacing = 14
    style.window_border_size = 0
    style.popup_border_size = 1
    style.docking_separator_size = 1
    style.tab_border_size = 0
    style.tab_bar_border_size = 1
    style.window_menu_button_position = imgui.Dir.none


def _style_implot() -> None:
    style = implot.get_style()
    style.plot_border_size = 0
    style.minor_alpha = 0.35
    style.fit_padding = imgui.ImVec2(0, 0.07)
    style.plot_padding = imgui.ImVec2(8, 6)
    style.plot_min_size = imgui.ImVec2(60, 50)
    style.legend_padding = imgui.ImVec2(6, 6)
    style.legend_inner_padding = imgui.ImVec2(6, 4)
    style.legend_spacing = imgui.ImVec2(6, 2)
    names = implot.Col_
    for name, hexadecimal, alpha in (
        (names.frame_bg, PANEL, 1),
        (names.plot_bg, PANEL, 1),
        (names.plot_border, LINE, 1),
        (names.axis_grid, WHITE, 0.09),
        (names.axis_text, DIM, 1),
        (names.legend_bg, "16191d", 0.72),
        (names.legend_border, LINE, 1),
    ):
        style.set_color_(name, color(hexadecimal, alpha))
