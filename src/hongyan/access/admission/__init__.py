"""Admission: what holds for every request, by whatever protocol it comes.

A protocol's server turns bytes into commands and answers into bytes. Everything between is here:
who asks and what that one may do now, how often, in whose name, what is counted and followed.
"""

from .admission import Admission
from .guest import Guest, Speaker
from .rights import OPERATOR
from .shared import AdmissionOptions

__all__ = ["OPERATOR", "Admission", "AdmissionOptions", "Guest", "Speaker"]
