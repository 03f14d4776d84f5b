"""How good are we?"""
