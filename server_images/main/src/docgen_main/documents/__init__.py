"""Documents made of facts: a kind is an ordered list of sections, each a function from facts to text."""

from docgen_main.documents.brief import Brief
from docgen_main.documents.generator import Generator
from docgen_main.documents.kinds import KINDS, Kind
from docgen_main.documents.order import MadeDocument, MadeSection, Order
from docgen_main.documents.records import Record, Records
from docgen_main.documents.section import Section

__all__ = [
    "KINDS",
    "Brief",
    "Generator",
    "Kind",
    "MadeDocument",
    "MadeSection",
    "Order",
    "Record",
    "Records",
    "Section",
]
