"""first_spike"""
