"""What commands say about recordings: messages as text, rates, sizes, facts and faults. Pure functions over what readers give."""
