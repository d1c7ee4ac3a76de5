"""One thing that a decision depends on in each module: with one public function, which says when it applies."""
