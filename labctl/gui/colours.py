"""Define the colours of the themes, by what they mean."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """Hold colours by what they mean, as `#rrggbb`.

    Text on `background` and on `panel` has a contrast of at least 4.5:1 (WCAG 2.1, 1.4.3), and
    so has `on_bad` on `bad`. A state is never told by its colour alone.
    """

    name: str
    background: str
    panel: str
    raised: str
    border: str
    text: str
    dim: str
    accent: str
    on_accent: str
    ok: str
    warning: str
    bad: str
    on_bad: str
    stale: str
    beam: str
    pending: str
    stokes: str
    anti_stokes: str
    plot_background: str
    grid: str
    series: tuple[str, ...]


LIGHT = Theme(
    name="light", background="#f4f5f7", panel="#ffffff", raised="#e4e7eb", border="#b4bac2",
    text="#14181d", dim="#525b66", accent="#0b5cad", on_accent="#ffffff", ok="#15692f",
    warning="#8a4b00", bad="#b3141d", on_bad="#ffffff", stale="#636b75", beam="#b3141d",
    pending="#fff0c2", stokes="#0b5cad", anti_stokes="#a13a00", plot_background="#ffffff",
    grid="#c9ced6",
    series=("#0b5cad", "#b34700", "#15692f", "#8b1f8f", "#7a5c00", "#00707c", "#a8193d"),
)  # fmt: skip
DARK = Theme(
    name="dark", background="#16191d", panel="#1e2227", raised="#2b3138", border="#454d57",
    text="#e2e6ea", dim="#9aa5b1", accent="#5fb0ff", on_accent="#0a1118", ok="#63d384",
    warning="#f2b54a", bad="#ff6b6b", on_bad="#1a0505", stale="#8e98a4", beam="#ff6b6b",
    pending="#4a3d16", stokes="#5fb0ff", anti_stokes="#ff9f5a", plot_background="#101215",
    grid="#3b424b",
    series=("#5fb0ff", "#ff9f5a", "#63d384", "#d58bff", "#f2d04a", "#4fd8e0", "#ff7f9d"),
)  # fmt: skip
RED = Theme(
    name="red", background="#0c0000", panel="#140000", raised="#2a0505", border="#6a1414",
    text="#ff3c3c", dim="#e03434", accent="#ff3c3c", on_accent="#0c0000", ok="#ff3c3c",
    warning="#ff3c3c", bad="#ff3c3c", on_bad="#0c0000", stale="#e03434", beam="#ff3c3c",
    pending="#3c0808", stokes="#ff3c3c", anti_stokes="#e63636", plot_background="#080000",
    grid="#501010",
    series=("#ff3c3c", "#c83232", "#ff3c3c", "#a02828", "#ff3c3c", "#c83232", "#e63636"),
)  # fmt: skip


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.1, relative luminance)."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
