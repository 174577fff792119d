"""Open the window in a process of its own, tell what it does as JSON lines, obey standard input.

Commands: `close` (as a click on the window's cross), `keep`, `stop` (the answers of its dialog).
"""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

STARTED_S = datetime.now(UTC).timestamp()  # noqa: TID251
os.environ["QT_QPA_PLATFORM"] = "offscreen"


def tell(event: str, **fields: object) -> None:
    """Print one event with the seconds since this process began."""
    now_s = datetime.now(UTC).timestamp()  # noqa: TID251
    since_s = now_s - float(os.environ.get("STARTED_S", STARTED_S))
    print(json.dumps({"event": event, "since_s": since_s, **fields}), flush=True)


def main() -> int:
    """Open the window."""
    from labctl.gui.app import connect, make_app, open_window

    data = Path(sys.argv[1])
    table = connect(data)
    app = make_app()
    window = open_window(table, data=data)

    from qtpy import QtCore

    class FirstPaint(QtCore.QObject):
        told = False

        def eventFilter(self, _: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802
            if event.type() == QtCore.QEvent.Type.Paint and not self.told:
                self.told = True
                QtCore.QTimer.singleShot(0, lambda: tell("painted", cpu_s=time.process_time()))
            return False

    painted = FirstPaint()
    window.installEventFilter(painted)
    window.link.connected.connect(lambda: tell("connected"))
    window.link.lost.connect(lambda reason: tell("lost", reason=reason))
    window.link.frame.connect(lambda frame: tell("frame", seq=frame.seq))
    window.showing.opened.connect(
        lambda run: run.complete.connect(lambda: tell("shown", run=run.name, total=run.total))
    )
    commands = {
        "close": window.close,
        "keep": window.closing.keep,
        "stop": window.closing.stop_and_quit,
    }

    def obey() -> None:
        line = sys.stdin.readline().strip()
        if line in commands:
            commands[line]()
            tell("did", what=line, asked=window.closing.dialog is not None)

    notifier = QtCore.QSocketNotifier(sys.stdin.fileno(), QtCore.QSocketNotifier.Type.Read)
    notifier.activated.connect(obey)
    window.show()
    code = int(app.exec())
    table.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
