namespace Moesaic.Engine.Tests;

public sealed class StopStringFilterTests
{
    [Test]
    public void Finds_a_stop_across_pieces_and_holds_back_only_what_may_become_one()
    {
        StopStringFilter filter = new(["<end>", "STOP"]);
        Assert.That(filter.Push("a<"), Is.EqualTo("a"));
        Assert.That(filter.Push("e"), Is.EqualTo(""));
        Assert.That(filter.Push("x<en"), Is.EqualTo("<ex"));
        Assert.That(filter.Push("d>tail"), Is.EqualTo(""));
        Assert.That(filter.IsStopped, Is.True);
        Assert.That(filter.Push("more") + filter.Flush(), Is.EqualTo(""));
    }

    [Test]
    public void Gives_back_what_was_held_when_the_text_ends()
    {
        StopStringFilter filter = new(["aab"]);
        Assert.That(filter.Push("xaa"), Is.EqualTo("x"));
        Assert.That(filter.Push("a"), Is.EqualTo("a"));
        Assert.That(filter.Flush(), Is.EqualTo("aa"));
    }

    [Test]
    public void The_first_of_several_stops_counts()
    {
        StopStringFilter filter = new(["later", "first"]);
        Assert.That(filter.Push("x first later"), Is.EqualTo("x "));
    }

    [Test]
    public void Any_splitting_of_a_text_gives_the_same_answer()
    {
        const string text = "ababcabababcd";
        for (int cut = 0; cut < text.Length; cut++)
        {
            for (int other = cut; other < text.Length; other++)
            {
                StopStringFilter filter = new(["ababcd", "zz"]);
                string found = filter.Push(text[..cut]) + filter.Push(text[cut..other]) + filter.Push(text[other..]) + filter.Flush();
                Assert.That(found, Is.EqualTo("ababcab"), $"cut at {cut} and {other}");
            }
        }
    }
}
