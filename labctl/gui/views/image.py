"""Show what the camera sees before its rows are added up."""

from typing import ClassVar

from qtpy import QtWidgets

from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.live_bar import LIVE
from labctl.gui.quantity import QuantitySpinBox
from labctl.gui.views import RunSummary
from labctl.gui.views.commands import join_commands
from labctl.gui.views.exposures import Shown
from labctl.gui.views.image_plot import ImagePlot, Rows
from labctl.gui.views.painting import Painter
from labctl.gui.views.tools import button, colour, elided, flow, label, row, toggle

NOTHING = "NO IMAGE YET – 'Live image' starts one"
DEFAULT_ROWS: Rows = (188, 211)


class ImageView(QtWidgets.QWidget):
    """Show live and recorded images of the chip with the binned spectrum."""

    id: ClassVar[str] = "image"
    title: ClassVar[str] = "CCD image"
    shortcut: ClassVar[str] = "Ctrl+2"

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._link = context.link
        self._newest: Shown | None = None
        self._is_frozen = False
        self._undo: list[Rows] = []
        self.plot = ImagePlot()
        self.mode = label("what is shown")
        self.pixel = elided("pixel under the mouse")
        self.first = QuantitySpinBox("px", 0, 4095, 0, name="first row")
        self.last = QuantitySpinBox("px", 0, 4095, 0, name="last row")
        self.live = button("Live image", "Expose images again and again, not saved", self._live)
        self.spectra = button("Live spectrum", "Go back to binned spectra", self._live_spectrum)
        self.auto = toggle("Auto levels", "Follow the counts", self.plot.set_auto, is_on=True)
        self.hot = toggle("Hot pixels", "Mask hot pixels and cosmic rays", self.plot.mask_hot)
        self.freeze = toggle("Freeze", "Keep what is shown (Space)", self._freeze)
        self._painter = Painter(self, self._draw)
        self._build()
        camera = self._link.description.get("camera", {})
        if camera.get("rows") and camera.get("columns"):
            self.plot.show_chip(int(camera["rows"]), int(camera["columns"]))
        saved: list[object] = context.state.get("image.rows", [], list)
        rows = [one for one in saved if isinstance(one, int)]
        self._take_rows(rows[0], rows[1]) if len(rows) == 2 else self._take_rows(*self._bands())
        self._link.frame.connect(self.show_frame)
        self._link.lost.connect(lambda _: self._show_mode())
        self._link.status_changed.connect(lambda _: self._show_mode())
        theme.changed().connect(lambda _: self._restyle())
        join_commands(self, context.actions)

    def _build(self) -> None:
        font = self.mode.font()
        font.setBold(True)
        self.mode.setFont(font)
        top = row(self.mode, self.pixel, spacing=10)
        top.setStretch(1, 1)
        rows = QtWidgets.QWidget()
        own = button("Use bands", "Put the band on the rows that the camera bins", self._use_bands)
        rows.setLayout(row(label("rows", "Rows"), self.first, label("to", "to"), self.last, own))
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(flow(self.live, self.spectra, self.auto, self.hot, self.freeze, rows))
        layout.addWidget(self.plot, 1)
        for box in (self.first, self.last):
            box.value_changed.connect(lambda _: self._typed())
        self.plot.rows_changed.connect(self._dragged)
        self.plot.pixel_read.connect(self._show_pixel)
        self._restyle()

    @classmethod
    def accepts(cls, run: RunSummary) -> bool:
        """Show runs that took images."""
        return dict(run.get("parameters", {})).get("mode") == "image"

    # ---- images

    def show_frame(self, frame: Shown) -> None:
        """Show an image, unless the view is frozen."""
        if frame.kind == "image" and not self._is_frozen:
            self._newest = frame
            self._painter.request()

    def _draw(self) -> None:
        if self._newest is not None:
            self.plot.show_image(self._newest.counts)
            self._show_mode()

    def _show_mode(self) -> None:
        frame, now = self._newest, theme.current()
        if not self._link.is_connected:
            self.mode.setText("NO CONNECTION – OLD IMAGE" if frame else "NO CONNECTION")
            colour(self.mode, now.stale, now.raised)
        elif frame is None:
            self.mode.setText(NOTHING)
            colour(self.mode, now.dim, now.raised)
        elif frame.saved and frame.run:
            self.mode.setText(f"REC {frame.run.split('_')[0]} point {frame.point}")
            colour(self.mode, now.on_bad, now.bad)
        else:
            is_live = self._link.status is not None and self._link.status.live
            self.mode.setText(LIVE if is_live else "LAST IMAGE – NOT SAVED")
            colour(self.mode, now.warning, now.raised)

    # ---- what a person does

    def toggle_freeze(self) -> None:
        """Keep what is shown, or follow again."""
        self.freeze.toggle()

    def reset_view(self) -> None:
        """Show the whole chip."""
        self.plot.reset_view()

    def undo_region(self) -> None:
        """Put the band back to where it was."""
        if self._undo:
            self._take_rows(*self._undo.pop())

    def _live(self) -> None:
        self._context.exposing.choose(mode="image")
        self._context.exposing.live()

    def _live_spectrum(self) -> None:
        self._context.exposing.choose(mode="spectrum")
        self._context.exposing.live()

    def _freeze(self, on: bool) -> None:
        self._is_frozen = on

    def _use_bands(self) -> None:
        self._undo.append(self.plot.rows)
        self._take_rows(*self._bands())

    def _bands(self) -> Rows:
        bands = self._link.description.get("camera", {}).get("bands") or [DEFAULT_ROWS]
        return int(bands[0][0]), int(bands[0][1])

    def _typed(self) -> None:
        self._undo.append(self.plot.rows)
        self._take_rows(int(self.first.value), int(self.last.value))

    def _take_rows(self, first: int, last: int) -> None:
        self.plot.set_rows(first, last)
        self._show_rows(min(first, last), max(first, last))

    def _dragged(self, first: int, last: int) -> None:
        self._show_rows(first, last)

    def _show_rows(self, first: int, last: int) -> None:
        self.first.set_value(first)
        self.last.set_value(last)
        self._context.state.set("image.rows", [first, last])

    def _show_pixel(self, line: int, column: int, counts: float) -> None:
        frame = self._newest
        nm = "" if frame is None else f"{float(frame.wavelength_nm[column]):.3f} nm  |  "
        self.pixel.show_text(f"row {line}  |  column {column}  |  {nm}{counts:.0f} counts")

    def _restyle(self) -> None:
        self.plot.restyle()
        self._show_mode()
