"""Indicators: lines over candles. One function a file (`sma`, `ema`, `vwap`); `table` has their names and limits."""
