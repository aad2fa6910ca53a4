"""What limner keeps on disk: sessions with their pictures, single pictures, and pages of them."""
