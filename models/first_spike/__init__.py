"""The exact first-spike engine: at most one spike per neuron and trial, exact times, exact gradients."""

from .function import ENGINES, first_spike_times

__all__ = ["ENGINES", "first_spike_times"]
