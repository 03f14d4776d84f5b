"""Is it fit to be sent?"""
