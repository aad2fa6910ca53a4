"""Looking at pictures: what holds of them, where in them, and how sure a critic can be of it."""
