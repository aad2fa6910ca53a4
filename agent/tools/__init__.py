"""What programs and other models may ask of limner, and are told: one schema, one JSON."""
