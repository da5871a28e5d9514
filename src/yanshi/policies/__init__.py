"""What does a trained network want now? (ONNX and its contract)"""
