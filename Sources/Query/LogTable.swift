/// The log in SQL.
enum LogTable {
    /// Its rows, with what only some of them have. Columns need no table in front; `seq` is that of the row.
    static let rows = "main.log LEFT JOIN main.log_origin USING (seq)"
}
