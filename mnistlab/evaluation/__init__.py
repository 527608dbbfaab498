"""How good is it? Intervals, metrics, calibration, conformal sets, and figures put into words."""
