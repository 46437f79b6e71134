"""The public API: one method per verb; the only owner of the clock and of nonces."""


class Coordinator: ...
