"""Statistics: floats in, floats out; no domain, no I/O.

Only `math`, `statistics` and numpy: scipy alone would cost every start seconds. The tests check
each function against scipy and statsmodels.

Conventions of the whole package:

- "First" is the baseline, "second" the candidate; differences and their intervals are second minus
  first. Swapping the two mirrors every interval and leaves every p-value as it is.
- Every p-value is two-sided and in (0, 1]; it is 1 where there is nothing to test.
- `alpha` is the two-sided error rate, in (0, 1); intervals have the level 1 - alpha.
- Values that are NaN or infinite are missing and left out. None is returned where the data cannot
  give an answer; a ValueError means that the call itself makes no sense (negative counts, more
  successes than trials, alpha outside (0, 1)).
- The same arguments and seed give the same answer, whatever the order of the cases.
"""
