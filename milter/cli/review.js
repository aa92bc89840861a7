// Sorting by the heads of a table, and one filter over all tables. The page is whole without it.
"use strict";
(() => {
    const page = document.documentElement;
    const collator = (() => {
        try {
            return new Intl.Collator(page.lang, {numeric: true});
        } catch {
            return new Intl.Collator(undefined, {numeric: true});
        }
    })();
    const tables = [...document.querySelectorAll("table.sortable")];
    const rows = tables.flatMap(table => [...table.tBodies[0].rows]);

    const order = (a, b) => {
        const x = a.dataset.value, y = b.dataset.value;
        return x === undefined || y === undefined ? collator.compare(a.textContent, b.textContent) : x - y;
    };

    const sort = (table, head) => {
        const column = head.cellIndex, was = head.getAttribute("aria-sort");
        const numbers = table.tBodies[0].rows[0].cells[column].dataset.value !== undefined;
        const up = was ? was === "descending" : !numbers;
        for (const other of table.tHead.rows[0].cells)
            other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        table.tBodies[0].append(...[...table.tBodies[0].rows].sort((a, b) =>
            (up ? 1 : -1) * order(a.cells[column], b.cells[column])));
    };

    for (const table of tables)
        for (const head of table.tHead.rows[0].cells) {
            if (head.hasAttribute("data-fixed"))
                continue;
            const button = document.createElement("button");
            button.type = "button";
            button.append(...head.childNodes);
            button.addEventListener("click", () => sort(table, head));
            head.append(button);
        }

    const plain = text => text.normalize("NFKC").toLowerCase();
    const box = document.getElementById("filter"), shown = document.getElementById("shown");
    const filter = () => {
        const words = plain(box.value).split(/\s+/).filter(Boolean);
        let left = 0;
        for (const row of rows) {
            const text = words.length ? plain(row.textContent) : "";
            row.hidden = !words.every(word => text.includes(word));
            left += !row.hidden;
        }
        for (const table of tables)
            table.closest(".scroll").hidden = [...table.tBodies[0].rows].every(row => row.hidden);
        shown.textContent = words.length ? `${shown.dataset.label}: ${left} / ${rows.length}` : "";
    };
    if (box && rows.length) {
        box.closest(".filter").hidden = false;
        box.addEventListener("input", filter);
        filter();
    }
})();
