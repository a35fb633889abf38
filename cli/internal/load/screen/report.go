package screen

// ClosedLabel is what is said of every figure of a closed model.
const ClosedLabel = "closed model: tail latency is optimistic"
