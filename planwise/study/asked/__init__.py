"""What a study is asked: question, objectives, constraints, the levers it may move."""
