"""The frame around the pages: navigation, address, notifications."""
