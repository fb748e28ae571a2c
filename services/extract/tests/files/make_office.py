"""Make the slides, sheets, texts and books that the tests of this crate read.

The results are committed; run this only to change them:

    pip install python-pptx openpyxl odfpy
    python make_office.py
"""

import datetime
import io
import zipfile
from pathlib import Path

from odf import dc, draw, presentation, style, table, text
from odf.opendocument import OpenDocumentPresentation, OpenDocumentSpreadsheet, OpenDocumentText
from odf.namespaces import TABLENS
from openpyxl import Workbook
from openpyxl.styles import numbers
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml
from pptx.util import Inches

HERE = Path(__file__).parent
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
WHEN = (2026, 1, 15, 9, 0, 0)


def repack(raw, name, drop=()):
    """Write a package again with fixed times, so that the same words make the same bytes."""
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if not any(word in entry for word in drop):
                stored = zipfile.ZIP_STORED if entry == "mimetype" else zipfile.ZIP_DEFLATED
                new.writestr(zipfile.ZipInfo(entry, WHEN), old.read(entry), stored)


def slides():
    """A presentation with levels, numbers, a merged table, a chart, a group, notes and a hidden slide."""
    deck = Presentation()
    deck.core_properties.title = "Plan de formación"
    cover = deck.slides.add_slide(deck.slide_layouts[0])
    cover.shapes.title.text = "Formación 2026"
    cover.placeholders[1].text = "Departamento de Personas"

    levels = deck.slides.add_slide(deck.slide_layouts[1])
    levels.shapes.title.text = "Cursos obligatorios"
    body = levels.placeholders[1].text_frame
    body.text = "Prevención de riesgos"
    for level, words in [(1, "Carretillas: 8 horas"), (1, "Altura: 6 horas"), (0, "Protección de datos")]:
        added = body.add_paragraph()
        added.text, added.level = words, level
    box = levels.shapes.add_textbox(Inches(1), Inches(5), Inches(4), Inches(1)).text_frame
    box.text = "Inscripción"
    for words in ["Pedir plaza", "Esperar respuesta"]:
        step = box.add_paragraph()
        step.text = words
        step._p.get_or_add_pPr().append(parse_xml(f'<a:buAutoNum xmlns:a="{A}" type="arabicParenR"/>'))
    levels.notes_slide.notes_text_frame.text = "Recordar que el plazo acaba en marzo."

    costs = deck.slides.add_slide(deck.slide_layouts[5])
    costs.shapes.title.text = "Costes"
    grid = costs.shapes.add_table(4, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    rows = [("Centro", "Curso", "Euros"), ("Vigo", "Altura", "1.200"), ("", "Datos", "300"), ("Lugo", "Datos", "280")]
    for at, row in enumerate(rows):
        for column, words in enumerate(row):
            grid.cell(at, column).text = words
    grid.cell(1, 0).merge(grid.cell(2, 0))
    data = CategoryChartData()
    data.categories = ["Vigo", "Lugo"]
    data.add_series("Horas", (140, 70.5))
    costs.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(4), Inches(2), data)

    hidden = deck.slides.add_slide(deck.slide_layouts[6])
    hidden._element.set("show", "0")
    group = hidden.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(1), Inches(3), Inches(1)).text_frame.text = "Presupuesto sin aprobar"
    # The order of the slides is not the order of their files.
    order = deck.slides._sldIdLst
    order.insert(1, order[2])
    raw = io.BytesIO()
    deck.save(raw)
    repack(raw, "slides.pptx", ["thumbnail", "printerSettings"])


def sheets():
    """A workbook with a title, dates, money, shares, merged cells, two tables, a hidden and a sparse sheet."""
    book = Workbook()
    sales = book.active
    sales.title = "Ventas"
    sales["B2"] = "Ventas por región"
    sales.merge_cells("B2:E2")
    for row in [
        ("Región", "Fecha", "Importe", "Margen"),
        ("Norte", datetime.date(2026, 3, 5), 1234.5, 0.125),
        (None, datetime.datetime(2026, 3, 6, 14, 30), -80, 0.07),
        ("Sur", None, 0.1 + 0.2, True),
    ]:
        sales.append((None, *row))
    sales.merge_cells("B4:B5")
    sales["C4"].number_format = "dd/mm/yyyy"
    sales["D4"].number_format = sales["D5"].number_format = '#,##0.00\\ "€"'
    sales["E4"].number_format = "0.0%"
    sales["E5"].number_format = numbers.FORMAT_PERCENTAGE
    sales["B9"], sales["C9"] = "Persona", "Teléfono"
    sales["B10"], sales["C10"] = "Añón & Ñíguez", "0034 986"
    sales["C11"] = "=1/0"
    book.create_sheet("Vacía")
    prices = book.create_sheet("Tarifas internas")
    prices.sheet_state = "hidden"
    for row in [("Servicio", "Horas"), ("Montaje", datetime.timedelta(hours=30))]:
        prices.append(row)
    far = book.create_sheet("Lejos")
    far["A1"] = "Principio"
    far["XFD1048576"] = "Final"
    raw = io.BytesIO()
    book.save(raw)
    repack(raw, "sheets.xlsx")


def para(words, level=None, name=None):
    attributes = {"stylename": name} if name else {}
    return text.H(outlinelevel=level, text=words, **attributes) if level else text.P(text=words, **attributes)


def cells(*words, **attributes):
    row = table.TableRow()
    for word in words:
        cell = table.TableCell(valuetype="string", **attributes)
        cell.addElement(text.P(text=word))
        row.addElement(cell)
    return row


def odt():
    """A text with a title, numbered lists, a table with merged cells, notes, hidden and struck words."""
    doc = OpenDocumentText()
    doc.meta.addElement(dc.Title(text="Normas del taller"))
    doc.styles.addElement(style.Style(name="Title", family="paragraph"))
    hidden = style.Style(name="T1", family="text")
    hidden.addElement(style.TextProperties(display="none"))
    struck = style.Style(name="T2", family="text")
    struck.addElement(style.TextProperties(textlinethroughstyle="solid"))
    steps = text.ListStyle(name="L1")
    steps.addElement(text.ListLevelStyleNumber(level=1, numformat="1", numsuffix="."))
    steps.addElement(text.ListLevelStyleNumber(level=2, numformat="a", numsuffix=")"))
    bullets = text.ListStyle(name="L2")
    bullets.addElement(text.ListLevelStyleBullet(level=1, bulletchar="•"))
    for added in (hidden, struck, steps, bullets):
        doc.automaticstyles.addElement(added)

    doc.text.addElement(para("Taller de Bouzas", name="Title"))
    doc.text.addElement(para("Seguridad", 1))
    first = para("El casco es obligatorio")
    note = text.Note(noteclass="footnote", id="ftn1")
    note.addElement(text.NoteCitation(text="1"))
    body = text.NoteBody()
    body.addElement(para("También para las visitas."))
    note.addElement(body)
    first.addElement(note)
    first.addText(" desde")
    first.addElement(text.S(c=2))
    first.addText("las 6.")
    first.addElement(text.Span(stylename="T1", text=" CLAVE 1234"))
    first.addElement(text.Span(stylename="T2", text=" Salvo los lunes."))
    doc.text.addElement(first)
    doc.text.addElement(para("Turnos", 2))

    numbered = text.List(stylename="L1")
    for words in ["Fichar.", "Revisar la máquina."]:
        item = text.ListItem()
        item.addElement(para(words))
        numbered.addElement(item)
    inner = text.List()
    for words in ["Aceite", "Frenos"]:
        item = text.ListItem()
        item.addElement(para(words))
        inner.addElement(item)
    # The inner list hangs on the last item of the outer one.
    numbered.lastChild.addElement(inner)
    doc.text.addElement(numbered)
    plain = text.List(stylename="L2")
    item = text.ListItem()
    item.addElement(para("Guantes"))
    plain.addElement(item)
    doc.text.addElement(plain)

    grid = table.Table(name="T")
    grid.addElement(table.TableColumn(numbercolumnsrepeated=3))
    grid.addElement(cells("Zona", "Riesgo", "Equipo"))
    row = table.TableRow()
    tall = table.TableCell(numberrowsspanned=2)
    tall.addElement(para("Nave 1"))
    row.addElement(tall)
    for words in ["Ruido", "Cascos"]:
        cell = table.TableCell()
        cell.addElement(para(words))
        row.addElement(cell)
    grid.addElement(row)
    row = table.TableRow()
    row.addElement(table.CoveredTableCell())
    for words in ["Polvo", "Mascarilla"]:
        cell = table.TableCell()
        cell.addElement(para(words))
        row.addElement(cell)
    grid.addElement(row)
    doc.text.addElement(grid)
    doc.text.addElement(para("Firmado en Vigo."))
    raw = io.BytesIO()
    doc.save(raw)
    repack(raw, "text.odt", ["Thumbnails"])


def ods():
    """Two sheets, one of them hidden; dates, money, merged and repeated cells; a sheet that goes on for ever."""
    doc = OpenDocumentSpreadsheet()
    hidden = style.Style(name="ta1", family="table")
    hidden.addElement(style.TableProperties(display="false"))
    doc.automaticstyles.addElement(hidden)
    stock = table.Table(name="Almacén")
    stock.addElement(cells("Pieza", "Entrada", "Precio", "Stock"))
    row = table.TableRow()
    for attributes, words in [
        ({"valuetype": "string", "numberrowsspanned": 2}, "Eje"),
        ({"valuetype": "date", "datevalue": "2026-03-05"}, "05/03/26"),
        ({"valuetype": "currency", "value": "12.5", "currency": "EUR"}, "12,50 €"),
        ({"valuetype": "float", "value": "40"}, "###"),
    ]:
        cell = table.TableCell(**attributes)
        cell.addElement(text.P(text=words))
        row.addElement(cell)
    stock.addElement(row)
    row = table.TableRow()
    row.addElement(table.CoveredTableCell())
    cell = table.TableCell(valuetype="date", datevalue="2026-03-06T14:30:00")
    cell.addElement(text.P(text="6 mar"))
    row.addElement(cell)
    cell = table.TableCell(valuetype="percentage", value="0.5", numbercolumnsrepeated=2)
    cell.addElement(text.P(text="50 %"))
    row.addElement(cell)
    row.addElement(table.TableCell(numbercolumnsrepeated=16000))
    stock.addElement(row)
    stock.addElement(table.TableRow(numberrowsrepeated=1048000))
    stock.addElement(cells("Nota", "Valor"))
    last = cells("IVA", "21 %")
    last.setAttrNS(TABLENS, "number-rows-repeated", "2")
    stock.addElement(last)
    doc.spreadsheet.addElement(stock)
    doc.spreadsheet.addElement(table.Table(name="Vacía"))
    costs = table.Table(name="Costes", stylename="ta1")
    costs.addElement(cells("Clave", "Euros"))
    costs.addElement(cells("A", "7"))
    doc.spreadsheet.addElement(costs)
    raw = io.BytesIO()
    doc.save(raw)
    repack(raw, "sheets.ods", ["Thumbnails"])


def odp():
    """Two slides, the second one hidden, the first one with notes."""
    doc = OpenDocumentPresentation()
    layout = style.PageLayout(name="MyLayout")
    doc.automaticstyles.addElement(layout)
    hidden = style.Style(name="dp2", family="drawing-page")
    hidden.addElement(style.DrawingPageProperties(visibility="hidden"))
    doc.automaticstyles.addElement(hidden)
    doc.masterstyles.addElement(style.MasterPage(name="Main", pagelayoutname=layout))

    def frame(kind, *paragraphs):
        outer = draw.Frame(width="20cm", height="3cm")
        if kind:
            outer.setAttrNS(presentation.PRESENTATIONNS, "class", kind)
        box = draw.TextBox()
        for element in paragraphs:
            box.addElement(element)
        outer.addElement(box)
        return outer

    first = draw.Page(masterpagename="Main", name="page1")
    first.addElement(frame("title", para("Resultados del año")))
    points = text.List()
    for words in ["Ventas: 3 millones", "Plantilla: 41 personas"]:
        item = text.ListItem()
        item.addElement(para(words))
        points.addElement(item)
    first.addElement(frame("outline", points))
    notes = presentation.Notes()
    notes.addElement(frame("notes", para("Agradecer al equipo.")))
    first.addElement(notes)
    second = draw.Page(masterpagename="Main", name="page2", stylename="dp2")
    second.addElement(frame(None, para("Borrador interno.")))
    for page in (first, second):
        doc.presentation.addElement(page)
    raw = io.BytesIO()
    doc.save(raw)
    repack(raw, "slides.odp", ["Thumbnails"])


RTF = rb"""{\rtf1\ansi\ansicpg1252\deff0\uc1{\fonttbl{\f0\froman\fcharset0 Times New Roman;}{\f1\fswiss\fcharset204{\*\fname Arial;}Arial CYR;}
{\f2\fnil\fcharset2 Symbol;}{\f3\fnil\fcharset128 MS Mincho;}}{\colortbl;\red0\green0\blue0;}
{\stylesheet{\ql\f0 \snext0 Normal;}{\s1\keepn{\*\keycode k}\outlinelevel0\b\f0 \sbasedon0 heading 1;}{\*\cs10 Default Paragraph Font;}{\s15 Title;}}
{\info{\title Carta de \'e9tica}{\author Nadie}}{\*\generator Made by hand;}
{\header\pard CABECERA\par}{\footer\pard P\'e1gina {\field{\*\fldinst PAGE}{\fldrslt 1}}\par}
\pard\s15 Carta de bienvenida\par
\pard\s1 Principios\par
\pard\f0 Cuesta 80\'80 \u8212?y \u-10179?\u-8704? nada m\u225a\'73; {\f1\'cf\'f0\'e8\'e2\'e5\'f2} y {\f3\'93\'fa\'96\'7b}.{\super\chftn}{\footnote\pard\plain\chftn Nota al pie.}
{\v OCULTO}{\strike tachado} {\field{\*\fldinst{HYPERLINK "http://127.0.0.1:9/x"}}{\fldrslt enlace}} \{fin\}\par
{\pict\pngblip\bin8 {{{{}}\\x}\pard\outlinelevel1 Pasos\par
\pard{\listtext\tab 1.\tab}\ls1\ilvl0 Leer\line despacio\par
\pard{\listtext\f2\'b7\tab}\ls1\ilvl1 Firmar\par
\pard{\pntext\f2\'b7\tab}Entregar\par
\pard\par
\trowd\cellx3000\cellx6000\pard\intbl Centro\cell Horas\cell\row
\trowd\clvmgf\cellx3000\cellx6000\pard\intbl Vigo\cell 8\par\intbl diarias\cell\row
\trowd\clvmrg\cellx3000\cellx6000\pard\intbl\cell 7{\*\desconocido 99}\cell\row
\pard Fin\emdash hasta pronto 
{\upr{texto viejo}{\*\ud texto nuevo}}}"""


def rtf():
    (HERE / "letter.rtf").write_bytes(RTF)


def xhtml(title, body):
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head>{title}<script src='x.js'/></head><body>{body}</body></html>"
    )


def epub():
    """A book whose reading order is not that of its files, with names, notes and empty elements."""
    opf = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Guía de acogida</dc:title></metadata><manifest>'
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="b" href="texto/dos%20bis.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="a" href="texto/uno.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="css" href="x.css" media-type="text/css"/></manifest>'
        '<spine><itemref idref="nav"/><itemref idref="a"/><itemref idref="b" linear="no"/><itemref idref="css"/></spine></package>'
    )
    nav = xhtml(
        "<title>Índice</title>",
        '<nav epub:type="toc"><ol><li><a href="texto/uno.xhtml">El primer día</a></li>'
        '<li><a href="texto/uno.xhtml#x">Dentro</a></li><li><a href="texto/dos%20bis.xhtml">La semana</a></li></ol></nav>',
    )
    first = xhtml(
        "<title/>",
        '<section><h1>Primer día</h1><p>Recoja su <a id="x"/>tarjeta.<a epub:type="noteref" href="#n">1</a></p>'
        '<aside epub:type="footnote" id="n"><p>En la puerta 2.</p></aside>'
        "<table><tr><th>Hora</th><th>Lugar</th></tr><tr><td>9:00</td><td>Nave 1</td></tr></table></section>",
    )
    second = xhtml("<title>x</title>", "<p>El lunes hay reunión.</p>")
    parts = {
        "META-INF/container.xml": '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/libro.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "OEBPS/libro.opf": opf,
        "OEBPS/nav.xhtml": nav,
        "OEBPS/texto/dos bis.xhtml": second,
        "OEBPS/texto/uno.xhtml": first,
        "OEBPS/x.css": "p{}",
    }
    with zipfile.ZipFile(HERE / "book.epub", "w") as book:
        book.writestr(zipfile.ZipInfo("mimetype", WHEN), "application/epub+zip", zipfile.ZIP_STORED)
        for name, part in parts.items():
            book.writestr(zipfile.ZipInfo(name, WHEN), part, zipfile.ZIP_DEFLATED)


slides()
sheets()
odt()
ods()
odp()
rtf()
epub()
