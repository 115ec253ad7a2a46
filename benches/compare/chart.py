"""The medians of a comparison as an SVG bar chart, for the README and the page of figures."""


def chart(result: dict) -> str:
    """The medians, the fastest first."""
    engines = result["engines"]
    longest = max(engine["median"] for engine in engines)
    height = 24 * len(engines) + 40
    rows = []
    for number, engine in enumerate(engines):
        top = 24 * number + 8
        width = max(1, round(420 * engine["median"] / longest))
        colour = "#c0561b" if engine["name"].startswith("s3sieve") else "#8a94a0"
        rows.append(
            f'<text x="170" y="{top + 13}" text-anchor="end">{engine["name"]}</text>'
            f'<rect x="178" y="{top}" width="{width}" height="17" fill="{colour}"/>'
            f'<text x="{184 + width}" y="{top + 13}">{engine["median"]:.2f} s</text>'
        )
    foot = f"Median of {result['runs']} runs, {result['date']}, {result['machine']['processor']}"
    foot += f", {result['machine']['cores']} cores. Shorter is faster."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {height}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="680" height="{height}" fill="white"/>\n'
        + "\n".join(rows)
        + f'\n<text x="8" y="{height - 8}" font-size="11" fill="#555">{foot}</text>\n</svg>\n'
    )
