def ensure(arguments):
    pass
