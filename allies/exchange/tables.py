"""Stand-in."""
import csv, gzip, io
from dataclasses import dataclass, asdict
from allies.exchange.reader import UnreadableFile
from allies.exchange.rows import Row
@dataclass(frozen=True)
class Layout:
    kind: str = "text"
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    header_row: int = 1
    sheet: str = ""
    gzipped: bool = False
    def as_json(self): return asdict(self)
    @classmethod
    def from_json(cls, d): return cls(**d)
def detect(path):
    return Layout(gzipped=open(path,'rb').read(2)==b"\x1f\x8b")
class Table:
    def __init__(self, path, layout): 
        self.path, self.layout = path, layout
        with self._open() as f: self.columns = [c.strip() for c in next(csv.reader(f))]
    def _open(self):
        o = gzip.open if self.layout.gzipped else open
        return o(self.path, "rt", encoding=self.layout.encoding, newline="")
    def rows(self):
        w=len(self.columns)
        with self._open() as f:
            r=csv.reader(f); next(r)
            for n, cells in enumerate(r, 2):
                if any(cells):
                    yield Row(n, cells+[""]*(w-len(cells)), "")
def open_table(path, layout=None): return Table(path, layout or detect(path))
def first_rows(path, layout, number=10):
    t=Table(path, layout); out=[t.columns]
    for r in t.rows():
        if len(out)>=number: break
        out.append(r.cells)
    return out
def sheets(path): return []
