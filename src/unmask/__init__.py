"""Offline deepfake detection."""
