"""How fast guests run, as ratios against the same work done by native Linux programs in the same run.

`python -m benchmarks` builds what it needs, measures, and prints a table.  Absolute times say little
about another machine and less about a busy one; a ratio of two measurements taken in turn says much,
so everything here is measured that way: round by round, native and every variant after the other,
and the median of the rounds' ratios is the result.
"""
