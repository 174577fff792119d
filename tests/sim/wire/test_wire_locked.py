import threading

import numpy as np

from labctl.core.clock import VirtualClock
from labctl.core.link import LinkSettings
from labctl.sim import build_simulation
from labctl.sim.locked import LockedCamera


def test_the_camera_waits_for_its_turn_at_the_table():
    simulation = build_simulation({}, VirtualClock())
    lock = threading.RLock()
    camera = LockedCamera(simulation.ports.camera, lock)
    frames = []
    taker = threading.Thread(target=lambda: frames.append(camera.expose(0.1, [(188, 211)], 0.0)))
    with lock:
        taker.start()
        taker.join(0.2)
        assert frames == []
    taker.join(10.0)
    assert frames[0].shape == (1, camera.columns)
    assert frames[0].dtype == np.uint16


def test_threads_may_use_all_ports_and_the_camera_at_once():
    simulation = build_simulation({}, VirtualClock())
    failures = []

    def talk(name, question):
        try:
            link = simulation.backend.open_link(f"sim://{name}", LinkSettings())
            for _ in range(50):
                link.write(question)
                assert link.read(1.0)
        except Exception as error:
            failures.append((name, error))

    def watch():
        try:
            camera = LockedCamera(simulation.ports.camera, threading.RLock())
            for _ in range(50):
                camera.temperature_c(simulation.clock.monotonic_s())
        except Exception as error:
            failures.append(("camera", error))

    threads = [
        threading.Thread(target=talk, args=("pm100d_probe", b"MEAS:POW?\n")),
        threading.Thread(target=talk, args=("lakeshore336", b"KRDG? A\n")),
        threading.Thread(target=watch),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
