/// What came of a target.
struct Outcome: Codable {
    enum Verdict: String, Codable {
        case pass, short, void
        case noPeer = "no peer"
    }

    var target: Target
    /// Each repetition's figure, in the base unit.
    var ours: [Double] = []
    var peer: [Double] = []
    var verdict: Verdict
    /// Why it is void.
    var reason: String?

    /// Of several repetitions the median counts: one that was disturbed is as good as none.
    private(set) var figure: Double?
    private(set) var peerFigure: Double?
    private(set) var ratio: Double?

    init(_ target: Target, ours: [Double], peer: [Double]) {
        self.target = target
        self.ours = ours
        self.peer = peer
        figure = median(ours)
        peerFigure = median(peer)
        if let figure, let peerFigure, peerFigure > 0 { ratio = figure / peerFigure }
        verdict = .noPeer
        let judged = target.judged == .ours ? figure : ratio
        if let judged { verdict = judged <= target.limit ? .pass : .short }
    }

    /// One without figures.
    init(_ target: Target, void reason: String) {
        self.target = target
        verdict = .void
        self.reason = reason
    }
}
