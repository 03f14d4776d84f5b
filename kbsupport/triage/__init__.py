"""Is it safe to answer this alone?"""
