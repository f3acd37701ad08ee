"""The application of practitioners: activate, renew, look after what one has, report a loss."""
