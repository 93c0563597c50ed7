namespace Moesaic.Models.Tests.Families;

[TestFixture("dots1", Containers.Both)]
public sealed class Dots1Tests(string name, Containers containers) : FamilyTests(name, containers);
