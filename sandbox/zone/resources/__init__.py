"""What a zone may use of the machine, and what it does use: cgroups, version 1 and 2.

A host may have controllers in either version, some in each, or none that this user may use.  What cannot be
had is a value, `Missing`, that says why; everything else goes on.
"""

from sandbox.zone.resources.group import Group, groups
from sandbox.zone.resources.hierarchy import read_file
from sandbox.zone.resources.limits import IoLimit, Limits, Missing, Usage, cpu_list

__all__ = ["Group", "IoLimit", "Limits", "Missing", "Usage", "cpu_list", "groups", "read_file"]
