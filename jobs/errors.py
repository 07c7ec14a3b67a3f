"""What a holder of a step is told when it holds it no longer."""


class LeaseLost(Exception):
    """The step was taken over by another holder: stop, and write nothing more.

    Not an error for people: the work goes on elsewhere.
    """
