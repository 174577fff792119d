# before Qt: PySide reads the source of every module that is imported after it
import labctl.client.table as _client  # noqa: F401
