"""The main job, from a preset to a report. Its parts (models, bridge, analysis) know nothing of it or of each other."""
